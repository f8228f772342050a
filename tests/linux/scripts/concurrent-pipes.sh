# Two hundred pipelines at once, each with its own bytes.
i=0
while [ $i -lt 200 ]; do
    seq $i | wc -l > out-$i &
    i=$((i + 1))
done
wait
i=0 wrong=0
while [ $i -lt 200 ]; do [ "$(cat out-$i)" -eq $i ] || wrong=$((wrong + 1)); i=$((i + 1)); done
echo "$i pipes, $wrong wrong"
