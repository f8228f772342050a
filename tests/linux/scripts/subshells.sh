# Subshells: variables, directories, exit statuses, nesting.
x=1
(x=2; cd /; echo "$x $PWD")
echo "$x ${PWD##*/}"
(exit 3); echo $?
y=$( (echo deep; exit 4) ); echo "$y $?"
echo $(echo $(echo $(echo four levels)))
{ x=5; }; echo $x
(set -e; false; echo not reached); echo $?
( (exit 2) || echo caught $? )
f() { return 6; }
f; echo $?
for i in 1 2 3; do (exit $i) || echo "loop $?"; done | cat
