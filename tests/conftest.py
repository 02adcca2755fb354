"""Being here puts this folder on the import path: tests share modules such as http_server."""
