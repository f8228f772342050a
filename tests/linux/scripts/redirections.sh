# Redirections: order, duplicates, closing, appending, descriptors that stay open.
sh -c 'echo out; echo err >&2' > both 2>&1; cat both
sh -c 'echo out; echo err >&2' 2>&1 > only | sed 's/^/piped: /'; cat only
exec 3> file; echo one >&3; echo two >&3; exec 3>&-; cat file
echo three >> file; wc -l < file
exec 4< file; read -r x <&4; read -r y <&4; echo "$x $y"; exec 4<&-
(echo x >&3) 2>/dev/null; echo $?
set -C; (echo x > file) 2>/dev/null; echo $?; echo y >| file; cat file; set +C
cat < missing; echo $?
echo both >/dev/null 2>&1; echo $?
echo in > rw; exec 5<> rw; read -r z <&5; echo more >&5; exec 5>&-; cat rw
