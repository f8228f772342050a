# Two hundred processes alive at the same time, all of them waiting for somebody to write to one fifo.
mkfifo gate
: > lines
i=0
while [ $i -lt 200 ]; do
    (: < gate; echo $i >> lines) &
    i=$((i + 1))
done
waiting() { grep -l . /proc/[0-9]*/stat 2> /dev/null | wc -l; }
[ "$(waiting)" -ge 200 ] && echo "all are there"
exec 3<> gate
wait
sort -n lines | uniq | wc -l
sort -n lines | tail -n 1
