module iris.example/clients

go 1.23
