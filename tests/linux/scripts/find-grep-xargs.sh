# A tree of files, looked through.
mkdir -p t/a/b t/c
i=0
while [ $i -lt 60 ]; do
    echo "file $i line one
number $((i * i))" > t/$( [ $((i % 2)) = 0 ] && echo a/b || echo c )/f$i.txt
    i=$((i + 1))
done
find t -type f | wc -l
find t -type d | sort
find t -name 'f1?.txt' | sort
find t -type f -print0 | xargs -0 grep -l 'number 49$'
grep -rh 'number 1..$' t | sort
grep -rc zzz t | sort | head -n 2
find t -type f -size -1k | wc -l
find t -name 'f2*' -exec rm {} \;
find t -type f | wc -l
find t -type f | sort | xargs -n 20 echo | wc -l
echo a b c | xargs -n 1 echo item
find t -newer t/missing 2>/dev/null; echo $?
find t -depth -type f -exec rm {} +; find t -type f | wc -l
