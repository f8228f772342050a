//! Page tables of every format as one radix tree: one walk, short formats, leaves as large as alignment allows.
