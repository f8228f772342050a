# Here-documents: expanded, quoted, with tabs, nested, to functions, large.
name=world
cat <<END
hello $name $((1 + 2)) $(echo inner)
END
cat <<'END'
hello $name $((1 + 2))
END
cat <<-END
	tabs are gone
		all of them
	END
reads() { while read -r line; do echo "[$line]"; done; }
reads <<A; cat <<B
first
second
A
third
B
i=0
while [ $i -lt 3000 ]; do echo "line $i of a long document"; i=$((i + 1)); done > long
eval "cat <<END | wc -c
$(cat long)
END"
