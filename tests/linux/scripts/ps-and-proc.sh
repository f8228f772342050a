# What ps, and free read.
sleep 50 & p=$!
sleep 0.2
ps -o pid,comm | awk -v p=$p '$1 == p { print $2 }'
ps -o ppid,pid | awk -v p=$p -v me=$$ '$2 == p { print ($1 == me) ? "mine" : "not mine" }'
free | awk 'NR == 2 { print $1, ($2 > $3) ? "sane" : "odd" }'
kill $p; wait $p 2>/dev/null
[ -d /proc/$p ] || echo gone
cat /proc/$$/cmdline | tr '\0' ' ' | cut -d ' ' -f 1
ls /proc/self/fd | head -n 3
pidof nothing-like-this || echo none
