# Pipelines: statuses, pipefail, many stages, early ends.
true | false; echo $?
false | true; echo $?
set -o pipefail
false | true; echo $?
set +o pipefail
seq 1000 | sort -rn | head -n 3
yes | head -n 2
seq 100 | cat | cat | cat | cat | cat | cat | cat | cat | wc -l
echo a b c | tr ' ' '\n' | while read -r x; do echo "<$x>"; done
seq 5 | { read -r a; read -r b; echo "$a $b"; cat; }
! true; echo $?
seq 3 | tee copy | wc -l
cat copy
