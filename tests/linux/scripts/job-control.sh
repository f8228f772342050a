# Background jobs without a terminal: stopped, continued, ended, waited for.
sleep 100 &
first=$!
sleep 100 &
second=$!
kill -STOP $first
wait_state() { i=0; while [ "$(awk '{print $3}' /proc/$1/stat)" != "$2" ] && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.01; done; awk '{print $3}' /proc/$1/stat; }
wait_state $first T
kill -CONT $first
wait_state $first S
group() { awk '{print $5}' /proc/$1/stat; }
[ "$(group $first)" = "$(group $$)" ] && echo "in the shell's group"
jobs | wc -l
kill -TERM $first
wait $first
echo "first: $?"
kill -KILL $second
wait $second
echo "second: $?"
sh -c 'exit 7' &
wait $!
echo "third: $?"
