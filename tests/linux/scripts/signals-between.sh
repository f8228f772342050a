# Signals between processes through fifos.
mkfifo ready
sh -c 'trap "echo child: USR1; exit 3" USR1; echo up > ready; while :; do sleep 0.01; done' &
child=$!
read -r x < ready; echo "$x"
kill -USR1 $child; wait $child; echo $?
sh -c 'trap "" TERM; echo up > ready; sleep 0.1; echo survived' &
child=$!
read -r x < ready
kill -TERM $child; wait $child; echo $?
kill -0 $$ && echo alive
kill -0 999999 2>/dev/null || echo gone
kill -l 15
