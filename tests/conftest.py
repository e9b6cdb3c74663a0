"""Here so that ``builders`` can be imported from every folder of tests."""
