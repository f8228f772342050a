# Background jobs: $!, wait for all, statuses, standard input.
(sleep 0.05; exit 4) & a=$!
(exit 5) & b=$!
wait $b; echo $?
wait $a; echo $?
wait 999999 2>/dev/null; echo $?
cat & wait $!; echo "cat had no input: $?"
sleep 100 & kill $!; wait $! ; echo $?
nohup sh -c 'echo nohup' 2>/dev/null | cat
(sh -c 'kill -HUP $$; echo not reached'); echo $?
timeout 1 sleep 100; echo $?
timeout 5 true; echo $?
