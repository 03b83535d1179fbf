// No declarations: the functions replace others of the same name.
