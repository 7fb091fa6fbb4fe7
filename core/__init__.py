"""LangSkew without its pages: corpora, designs, training, measures. Never imports streamlit."""
