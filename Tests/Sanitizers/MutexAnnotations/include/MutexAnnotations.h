// Nothing is called from here: the functions take the place of others of the same name.
