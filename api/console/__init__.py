"""Console: pages derived from the declarations of reads; server-rendered, in two languages, without scripts."""
