# A thousand processes, all waited for.
i=0
while [ $i -lt 1000 ]; do
    (exit $((i % 5))) &
    [ $((i % 50)) = 49 ] && wait
    i=$((i + 1))
done
wait
echo done $i
i=0 sum=0
while [ $i -lt 50 ]; do (exit 3) & wait $!; sum=$((sum + $?)); i=$((i + 1)); done
echo $sum
ls /proc | grep -c '^[0-9]' | awk '{ print ($1 < 200) ? "few are left" : "many are left" }'
