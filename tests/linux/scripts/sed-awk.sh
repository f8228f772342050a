# Stream editing and awk.
printf 'alpha 1\nbeta 2\ngamma 3\nbeta 4\n' > f
sed 's/beta/B/' f
sed -n '/beta/p' f
sed '2d;$s/$/ end/' f
sed -E 's/([a-z]+) ([0-9])/\2 \1/' f
sed -i 's/alpha/ALPHA/' f; head -n 1 f
sed '/beta/,/gamma/s/^/> /' f
awk '{ s += $2 } END { print s, NR }' f
awk '$1 == "beta" { c[$1] += $2 } END { for (k in c) print k, c[k] }' f
awk -F' ' '{ print toupper($1), length($1), substr($1, 2, 2) }' f
awk 'BEGIN { for (i = 0; i < 5; i++) printf "%d ", i * i; print "" }'
awk '{ print $1 | "sort" }' f
awk 'BEGIN { "echo from a command" | getline x; print x; exit 3 }'; echo $?
tr 'a-z' 'A-Z' < f | cut -c 1-3
