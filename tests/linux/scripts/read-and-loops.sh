# read in all its forms.
printf 'a b c\n  lead\ttab  \nback\\slash\nlast' > f
while read -r x y; do echo "[$x][$y]"; done < f
read x < f; echo $x
tail -n 1 f | { read -r z; echo "$z $?"; }
IFS=, read -r p q r <<END
1,2,3,4
END
echo "$p $q $r"
read -r x < /dev/null; echo $?
yes | head -n 100000 | { read -r a; cat | wc -l; }
printf 'abc' | { read -n 2 x; echo $x; }
echo timed | { read -t 5 x; echo "$x"; }
(sleep 0.3; echo late) | { read -t 0.1 x; echo "status $((! ! $?))"; }
