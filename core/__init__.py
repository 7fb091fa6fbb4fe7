"""LangSkew without its pages. Never imports streamlit.

The rooms in their order; each imports from those above it only (tests/test_architecture.py).

errors        InputError: what was wrong, what was found, what to do
text          texts of users on their way into sentences; numbers as text
terminal      lines, tables and progress for the command line
progress      what work reports to, and what stops it
config        what decides a run, and its id
storage       files: where they are, whole or not at all, locked, asked by SQL, fetched
sources       files as people have them, as rows that SQL can ask for
corpora       texts with label, language and split
sampling      joint distributions of language and label: skew, designs, subsets, class weights
mitigation    ways to train, or to correct a trained model, against the skew: a file each
measures      statistics on arrays and tables: no files, no models
mending       what is wrong with a corpus, and mending it
audit         what is in a corpus, how skewed it is, and what that may cost
models        encoder, classifier, vocabulary, prediction; what runs share in memory
checkpoints   run folders and started studies (checkpoints/README.md)
studies       a study as it is asked for: its file, form, plan and forecast
training      from a configuration to a whole run folder; evaluating it; importing a model
attribution   Shapley values of tokens: methods, pool, store
results       what a study found, as data, and the index: no sentence, no chart
paper         the published numbers, and ours beside them
charts        tables to Altair charts: no words but titles of axes
figures       charts and tables with title, caption and reading; files of them
report        the HTML file, and the folder for a paper
jobs          the queue, its workers, and what they can do
cli           the command line: one file a group of verbs
"""
