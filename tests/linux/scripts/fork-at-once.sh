# Two hundred processes alive at the same time.
mkfifo gate
i=0
while [ $i -lt 200 ]; do
    (read -r x < go-$i 2>/dev/null; sleep 0.05; exit 0) &
    i=$((i + 1))
done
n=$(jobs -p | wc -l)
wait
echo $i all ended
