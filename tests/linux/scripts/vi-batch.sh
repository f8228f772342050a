# vi without anybody at the keyboard: commands from its arguments, keys from a pipe.
printf 'one\ntwo\nthree\n' > f
vi -c ':%s/e/E/g' -c ':wq' f < /dev/null > /dev/null 2>&1
cat f
vi -c ':2d' -c ':1s/on/ON/' -c ':x' f < /dev/null > /dev/null 2>&1
cat f
printf ':2d\n:wq\n' | vi f > /dev/null 2>&1
cat f
printf 'yyp:wq\n' | vi f > /dev/null 2>&1
cat f
