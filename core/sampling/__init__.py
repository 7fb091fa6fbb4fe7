"""Joint distributions of language and label: skew, designs, subsets, class weights."""
