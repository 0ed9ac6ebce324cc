"""Azure Resource Manager: resource groups, and the accounts of the two data-lake services."""
