# set -m: jobs have groups of their own; stop, continue, wait, kill.
set -m
sleep 100 &
first=$!
sleep 100 &
second=$!
kill -STOP %1
wait_state() { i=0; while [ "$(awk '{print $3}' /proc/$1/stat)" != "$2" ] && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.01; done; awk '{print $3}' /proc/$1/stat; }
wait_state $first T
kill -CONT $first
wait_state $first S
group() { awk '{print $5}' /proc/$1/stat; }
[ "$(group $first)" = $first ] && echo "leads its group"
[ "$(group $second)" = $second ] && echo "so does the second"
kill -TERM %1
wait $first
echo "first: $?"
kill -KILL $second
wait $second
echo "second: $?"
sh -c 'exit 7' &
wait $!
echo "third: $?"
