# Sorting and comparing lists.
seq 1 2000 | awk '{ print ($1 * 7919) % 2003 }' > numbers
sort -n numbers | head -n 3
sort -rn numbers | tail -n 2
sort numbers | uniq | wc -l
seq 2000 | sort | head -n 5
printf 'b 2\na 1\nc 3\na 1\n' > p
sort -u p
sort p | uniq -c
sort -k2 -r p
printf 'a\nb\nc\n' > x; printf 'b\nc\nd\n' > y
grep -Fxf x y
grep -Fxvf x y
nl x
paste x y
rev p
tac x
fold -w 2 p | head -n 3
