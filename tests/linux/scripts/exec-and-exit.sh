# exec, exit statuses, set -e and -u, scripts without an interpreter line.
sh -c 'exec echo replaced; echo not reached'
sh -c 'exit 300'; echo $?
sh -c 'kill -9 $$'; echo $?
nothing-like-this 2>/dev/null; echo $?
./missing 2>/dev/null; echo $?
echo 'echo plain script $1' > s; chmod +x s; ./s word
chmod -x s; ./s 2>/dev/null; echo $?
. ./s; sh s again
sh -e -c 'false; echo no'; echo $?
sh -u -c 'echo $nothing' 2>/dev/null; echo $?
sh -c 'echo $0 $1 $#' name a b
mkdir d; ./d 2>/dev/null; echo $?
env -i A=1 sh -c 'echo $A $HOME.'
echo '#!/bin/sh -e
false
echo no' > e; chmod +x e; ./e; echo $?
