"""The command line. One file a group of verbs."""
