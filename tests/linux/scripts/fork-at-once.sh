# Two hundred processes alive at the same time, each waiting for a line of one fifo.
mkfifo gate
exec 3<> gate
i=0
while [ $i -lt 200 ]; do
    (read -r x <&3; echo "$x" >> lines) &
    i=$((i + 1))
done
ls /proc | grep -c '^[0-9]' | awk '{ print ($1 >= 200) ? "all are there" : "some are missing" }'
seq 200 >&3
wait
sort -n lines | uniq | wc -l
