# fish completion of sallyport: put this file into ~/.config/fish/completions
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a alert
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a audit
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a authorities
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a ca
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a completions
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a connect
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a doctor
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a gateway
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a identity
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a login
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a logout
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a org
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a platform
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a pool
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a quickstart
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a relay
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a resource
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a role
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a token
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a user
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -f -a version
complete -c sallyport -n "true; and not __fish_seen_subcommand_from alert audit authorities ca completions connect doctor gateway identity login logout org platform pool quickstart relay resource role token user version" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and not __fish_seen_subcommand_from create list test delete history" -f -a create
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and not __fish_seen_subcommand_from create list test delete history" -f -a list
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and not __fish_seen_subcommand_from create list test delete history" -f -a test
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and not __fish_seen_subcommand_from create list test delete history" -f -a delete
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and not __fish_seen_subcommand_from create list test delete history" -f -a history
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and not __fish_seen_subcommand_from create list test delete history" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from create" -l webhook
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from create" -l webhook-ca
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from create" -l log
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from create" -l rule
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from create" -l after
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from create" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from create" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from create" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from create" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from create" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from list" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from list" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from list" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from list" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from list" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from test" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from test" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from test" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from test" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from delete" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from delete" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from delete" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from delete" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from history" -l open
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from history" -l since
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from history" -l until
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from history" -l limit
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from history" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from history" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from history" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from history" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from alert; and __fish_seen_subcommand_from history" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and not __fish_seen_subcommand_from list connections" -f -a list
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and not __fish_seen_subcommand_from list connections" -f -a connections
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and not __fish_seen_subcommand_from list connections" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from list" -l since
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from list" -l until
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from list" -l person
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from list" -l limit
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from list" -l export
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from list" -l force
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from list" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from list" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from list" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from list" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from list" -l event
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from list" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from connections" -l since
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from connections" -l until
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from connections" -l person
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from connections" -l limit
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from connections" -l export
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from connections" -l force
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from connections" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from connections" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from connections" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from connections" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from connections" -l gateway
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from connections" -l open
complete -c sallyport -n "true; and __fish_seen_subcommand_from audit; and __fish_seen_subcommand_from connections" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and not __fish_seen_subcommand_from abort replace rotate show" -f -a abort
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and not __fish_seen_subcommand_from abort replace rotate show" -f -a replace
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and not __fish_seen_subcommand_from abort replace rotate show" -f -a rotate
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and not __fish_seen_subcommand_from abort replace rotate show" -f -a show
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and not __fish_seen_subcommand_from abort replace rotate show" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from abort" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from abort" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from abort" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from abort" -l instance
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from abort" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from abort" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from replace" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from replace" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from replace" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from replace" -l instance
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from replace" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from replace" -l yes
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from replace" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from rotate" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from rotate" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from rotate" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from rotate" -l instance
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from rotate" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from rotate" -l overlap
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from rotate" -l retire-after
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from rotate" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from show" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from show" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from show" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from show" -l instance
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from show" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from authorities; and __fish_seen_subcommand_from show" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and not __fish_seen_subcommand_from init show issue revoke rotate export" -f -a init
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and not __fish_seen_subcommand_from init show issue revoke rotate export" -f -a show
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and not __fish_seen_subcommand_from init show issue revoke rotate export" -f -a issue
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and not __fish_seen_subcommand_from init show issue revoke rotate export" -f -a revoke
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and not __fish_seen_subcommand_from init show issue revoke rotate export" -f -a rotate
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and not __fish_seen_subcommand_from init show issue revoke rotate export" -f -a export
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and not __fish_seen_subcommand_from init show issue revoke rotate export" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from init" -l dir
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from init" -l key-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from init" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from init" -l org
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from init" -l key-type
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from init" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from show" -l dir
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from show" -l key-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from show" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from show" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and not __fish_seen_subcommand_from relay gateway client" -f -a relay
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and not __fish_seen_subcommand_from relay gateway client" -f -a gateway
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and not __fish_seen_subcommand_from relay gateway client" -f -a client
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and not __fish_seen_subcommand_from relay gateway client" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from relay" -l dir
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from relay" -l key-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from relay" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from relay" -l out
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from relay" -l ttl
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from relay" -l csr
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from relay" -l ssh-public-key
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from relay" -l host
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from relay" -l ssh-port
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from relay" -l tls-port
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from relay" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from gateway" -l dir
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from gateway" -l key-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from gateway" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from gateway" -l out
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from gateway" -l ttl
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from gateway" -l csr
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from gateway" -l ssh-public-key
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from gateway" -l relay-host
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from gateway" -l relay
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from gateway" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from client" -l dir
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from client" -l key-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from client" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from client" -l out
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from client" -l csr
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from client" -l ttl
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from client" -l gateway
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from client" -l target
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from client" -l relay
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from issue; and __fish_seen_subcommand_from client" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from revoke" -l dir
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from revoke" -l key-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from revoke" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from revoke" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from rotate" -l dir
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from rotate" -l key-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from rotate" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from rotate" -l drop-old
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from rotate" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from export" -l dir
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from export" -l key-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from export" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from export" -l out
complete -c sallyport -n "true; and __fish_seen_subcommand_from ca; and __fish_seen_subcommand_from export" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from completions" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from connect" -l gateway
complete -c sallyport -n "true; and __fish_seen_subcommand_from connect" -l target
complete -c sallyport -n "true; and __fish_seen_subcommand_from connect" -l pki
complete -c sallyport -n "true; and __fish_seen_subcommand_from connect" -l listen
complete -c sallyport -n "true; and __fish_seen_subcommand_from connect" -l stdio
complete -c sallyport -n "true; and __fish_seen_subcommand_from connect" -l mode
complete -c sallyport -n "true; and __fish_seen_subcommand_from connect" -l target-ca
complete -c sallyport -n "true; and __fish_seen_subcommand_from connect" -l insecure-target
complete -c sallyport -n "true; and __fish_seen_subcommand_from connect" -l log-level
complete -c sallyport -n "true; and __fish_seen_subcommand_from connect" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from connect" -l socks5
complete -c sallyport -n "true; and __fish_seen_subcommand_from connect" -l http-proxy
complete -c sallyport -n "true; and __fish_seen_subcommand_from connect" -l proxy-login-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from connect" -l open-to-network
complete -c sallyport -n "true; and __fish_seen_subcommand_from connect" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from connect" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from connect" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from connect" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from doctor" -l gateway
complete -c sallyport -n "true; and __fish_seen_subcommand_from doctor" -l relay
complete -c sallyport -n "true; and __fish_seen_subcommand_from doctor" -l pki
complete -c sallyport -n "true; and __fish_seen_subcommand_from doctor" -l target
complete -c sallyport -n "true; and __fish_seen_subcommand_from doctor" -l allow
complete -c sallyport -n "true; and __fish_seen_subcommand_from doctor" -l deny
complete -c sallyport -n "true; and __fish_seen_subcommand_from doctor" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from doctor" -l bundle
complete -c sallyport -n "true; and __fish_seen_subcommand_from doctor" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from doctor" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from doctor" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from doctor" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method revoke delete deploy-command" -f -a enroll
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method revoke delete deploy-command" -f -a start
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method revoke delete deploy-command" -f -a install
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method revoke delete deploy-command" -f -a uninstall
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method revoke delete deploy-command" -f -a systemd
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method revoke delete deploy-command" -f -a status
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method revoke delete deploy-command" -f -a reload
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method revoke delete deploy-command" -f -a log-level
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method revoke delete deploy-command" -f -a create
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method revoke delete deploy-command" -f -a list
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method revoke delete deploy-command" -f -a show
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method revoke delete deploy-command" -f -a update
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method revoke delete deploy-command" -f -a auth-method
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method revoke delete deploy-command" -f -a revoke
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method revoke delete deploy-command" -f -a delete
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method revoke delete deploy-command" -f -a deploy-command
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method revoke delete deploy-command" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from enroll" -l name
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from enroll" -l enroll-method
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from enroll" -l token
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from enroll" -l token-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from enroll" -l auth-method
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from enroll" -l client-id
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from enroll" -l client-secret
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from enroll" -l client-secret-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from enroll" -l service-account-token-path
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from enroll" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from enroll" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from enroll" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from enroll" -l gateway-id
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from enroll" -l relay
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from enroll" -l tunnels
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from enroll" -l allow
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from enroll" -l deny
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from enroll" -l listen-address
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from enroll" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from enroll" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l name
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l enroll-method
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l token
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l token-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l auth-method
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l client-id
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l client-secret
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l client-secret-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l service-account-token-path
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l gateway-id
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l relay
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l tunnels
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l allow
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l deny
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l listen-address
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l pki
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l limit
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l log-format
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l log-level
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l metrics
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from start" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l name
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l enroll-method
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l token
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l token-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l auth-method
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l client-id
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l client-secret
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l client-secret-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l service-account-token-path
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l gateway-id
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l relay
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l tunnels
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l allow
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l deny
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l listen-address
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l limit
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l log-format
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l log-level
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l metrics
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l systemd
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l pki
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l dry-run
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from install" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from uninstall" -l name
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from uninstall" -l purge
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from uninstall" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and not __fish_seen_subcommand_from install uninstall" -f -a install
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and not __fish_seen_subcommand_from install uninstall" -f -a uninstall
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and not __fish_seen_subcommand_from install uninstall" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l name
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l enroll-method
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l token
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l token-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l auth-method
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l client-id
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l client-secret
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l client-secret-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l service-account-token-path
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l gateway-id
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l relay
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l tunnels
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l allow
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l deny
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l listen-address
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l limit
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l log-format
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l log-level
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l metrics
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l systemd
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l pki
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l dry-run
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from uninstall" -l name
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from uninstall" -l purge
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from uninstall" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from status" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from status" -l watch
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from status" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from reload" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from log-level" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from create" -l relay
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from create" -l auth-method
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from create" -l allow-arn
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from create" -l allow-account
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from create" -l require-audience
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from create" -l kubernetes-host
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from create" -l kubernetes-ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from create" -l reviewer-token-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from create" -l allow-namespace
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from create" -l allow-service-account
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from create" -l audience
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from create" -l verify-tls
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from create" -l wait
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from create" -l timeout
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from create" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from create" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from create" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from create" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from create" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from list" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from list" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from list" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from list" -l local
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from list" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from list" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from show" -l check
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from show" -l wait
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from show" -l timeout
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from show" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from show" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from show" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from show" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from show" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from update" -l name
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from update" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from update" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from update" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from update" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from update" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from auth-method" -l allow-arn
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from auth-method" -l allow-account
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from auth-method" -l require-audience
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from auth-method" -l kubernetes-host
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from auth-method" -l kubernetes-ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from auth-method" -l reviewer-token-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from auth-method" -l allow-namespace
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from auth-method" -l allow-service-account
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from auth-method" -l audience
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from auth-method" -l verify-tls
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from auth-method" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from auth-method" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from auth-method" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from auth-method" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from auth-method" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from revoke" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from revoke" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from revoke" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from revoke" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from delete" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from delete" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from delete" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from delete" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from deploy-command" -l relay
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from deploy-command" -l service
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from deploy-command" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from deploy-command" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from deploy-command" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from deploy-command" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from gateway; and __fish_seen_subcommand_from deploy-command" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and not __fish_seen_subcommand_from list create show update delete secret" -f -a list
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and not __fish_seen_subcommand_from list create show update delete secret" -f -a create
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and not __fish_seen_subcommand_from list create show update delete secret" -f -a show
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and not __fish_seen_subcommand_from list create show update delete secret" -f -a update
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and not __fish_seen_subcommand_from list create show update delete secret" -f -a delete
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and not __fish_seen_subcommand_from list create show update delete secret" -f -a secret
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and not __fish_seen_subcommand_from list create show update delete secret" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from list" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from list" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from list" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from list" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from list" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from create" -l role
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from create" -l token-ttl
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from create" -l token-max-ttl
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from create" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from create" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from create" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from create" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from create" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from show" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from show" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from show" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from show" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from show" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from update" -l name
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from update" -l role
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from update" -l token-ttl
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from update" -l token-max-ttl
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from update" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from update" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from update" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from update" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from update" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from delete" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from delete" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from delete" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from delete" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and not __fish_seen_subcommand_from create list revoke" -f -a create
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and not __fish_seen_subcommand_from create list revoke" -f -a list
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and not __fish_seen_subcommand_from create list revoke" -f -a revoke
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and not __fish_seen_subcommand_from create list revoke" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and __fish_seen_subcommand_from create" -l description
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and __fish_seen_subcommand_from create" -l ttl
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and __fish_seen_subcommand_from create" -l uses
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and __fish_seen_subcommand_from create" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and __fish_seen_subcommand_from create" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and __fish_seen_subcommand_from create" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and __fish_seen_subcommand_from create" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and __fish_seen_subcommand_from create" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and __fish_seen_subcommand_from list" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and __fish_seen_subcommand_from list" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and __fish_seen_subcommand_from list" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and __fish_seen_subcommand_from list" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and __fish_seen_subcommand_from list" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and __fish_seen_subcommand_from revoke" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and __fish_seen_subcommand_from revoke" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and __fish_seen_subcommand_from revoke" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from identity; and __fish_seen_subcommand_from secret; and __fish_seen_subcommand_from revoke" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from login" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from login" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from login" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from login" -l method
complete -c sallyport -n "true; and __fish_seen_subcommand_from login" -l client-id
complete -c sallyport -n "true; and __fish_seen_subcommand_from login" -l client-secret
complete -c sallyport -n "true; and __fish_seen_subcommand_from login" -l client-secret-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from login" -l plain
complete -c sallyport -n "true; and __fish_seen_subcommand_from login" -l silent
complete -c sallyport -n "true; and __fish_seen_subcommand_from login" -l token-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from login" -l invitation
complete -c sallyport -n "true; and __fish_seen_subcommand_from login" -l password-reset
complete -c sallyport -n "true; and __fish_seen_subcommand_from login" -l email
complete -c sallyport -n "true; and __fish_seen_subcommand_from login" -l name
complete -c sallyport -n "true; and __fish_seen_subcommand_from login" -l password-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from login" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from logout" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from logout" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and not __fish_seen_subcommand_from list create update rename switch" -f -a list
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and not __fish_seen_subcommand_from list create update rename switch" -f -a create
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and not __fish_seen_subcommand_from list create update rename switch" -f -a update
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and not __fish_seen_subcommand_from list create update rename switch" -f -a rename
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and not __fish_seen_subcommand_from list create update rename switch" -f -a switch
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and not __fish_seen_subcommand_from list create update rename switch" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from list" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from list" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from list" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from list" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from list" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from create" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from create" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from create" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from create" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from create" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from update" -l require-gateway-pools
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from update" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from update" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from update" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from update" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from update" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from rename" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from rename" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from rename" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from rename" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from rename" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from switch" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from switch" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from switch" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from switch" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from org; and __fish_seen_subcommand_from switch" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and not __fish_seen_subcommand_from backup bootstrap migrate reset-password restore rotate-root-key start" -f -a backup
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and not __fish_seen_subcommand_from backup bootstrap migrate reset-password restore rotate-root-key start" -f -a bootstrap
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and not __fish_seen_subcommand_from backup bootstrap migrate reset-password restore rotate-root-key start" -f -a migrate
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and not __fish_seen_subcommand_from backup bootstrap migrate reset-password restore rotate-root-key start" -f -a reset-password
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and not __fish_seen_subcommand_from backup bootstrap migrate reset-password restore rotate-root-key start" -f -a restore
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and not __fish_seen_subcommand_from backup bootstrap migrate reset-password restore rotate-root-key start" -f -a rotate-root-key
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and not __fish_seen_subcommand_from backup bootstrap migrate reset-password restore rotate-root-key start" -f -a start
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and not __fish_seen_subcommand_from backup bootstrap migrate reset-password restore rotate-root-key start" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from backup" -l out
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from backup" -l data-dir
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from backup" -l database-url
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from backup" -l log-format
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from backup" -l log-level
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from backup" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from backup" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from bootstrap" -l email
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from bootstrap" -l org
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from bootstrap" -l ca-dir
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from bootstrap" -l ca-key-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from bootstrap" -l listen
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from bootstrap" -l public-url
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from bootstrap" -l data-dir
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from bootstrap" -l database-url
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from bootstrap" -l log-format
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from bootstrap" -l log-level
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from bootstrap" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from bootstrap" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from migrate" -l data-dir
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from migrate" -l database-url
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from migrate" -l log-format
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from migrate" -l log-level
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from migrate" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from migrate" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from reset-password" -l email
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from reset-password" -l listen
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from reset-password" -l public-url
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from reset-password" -l data-dir
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from reset-password" -l database-url
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from reset-password" -l log-format
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from reset-password" -l log-level
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from reset-password" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from reset-password" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from restore" -l in
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from restore" -l data-dir
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from restore" -l database-url
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from restore" -l log-format
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from restore" -l log-level
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from restore" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from restore" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from rotate-root-key" -l new-key-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from rotate-root-key" -l data-dir
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from rotate-root-key" -l database-url
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from rotate-root-key" -l log-format
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from rotate-root-key" -l log-level
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from rotate-root-key" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from rotate-root-key" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from start" -l listen
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from start" -l public-url
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from start" -l tls-cert
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from start" -l tls-key
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from start" -l trusted-proxy
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from start" -l data-dir
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from start" -l database-url
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from start" -l log-format
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from start" -l log-level
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from start" -l allow-private-hosts
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from start" -l aws-sts-endpoint
complete -c sallyport -n "true; and __fish_seen_subcommand_from platform; and __fish_seen_subcommand_from start" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and not __fish_seen_subcommand_from create list show update add remove delete" -f -a create
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and not __fish_seen_subcommand_from create list show update add remove delete" -f -a list
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and not __fish_seen_subcommand_from create list show update add remove delete" -f -a show
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and not __fish_seen_subcommand_from create list show update add remove delete" -f -a update
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and not __fish_seen_subcommand_from create list show update add remove delete" -f -a add
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and not __fish_seen_subcommand_from create list show update add remove delete" -f -a remove
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and not __fish_seen_subcommand_from create list show update add remove delete" -f -a delete
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and not __fish_seen_subcommand_from create list show update add remove delete" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from create" -l gateway
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from create" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from create" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from create" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from create" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from create" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from list" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from list" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from list" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from list" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from list" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from show" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from show" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from show" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from show" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from show" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from update" -l name
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from update" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from update" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from update" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from update" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from update" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from add" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from add" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from add" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from add" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from remove" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from remove" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from remove" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from remove" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from delete" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from delete" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from delete" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from pool; and __fish_seen_subcommand_from delete" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from quickstart" -l check
complete -c sallyport -n "true; and __fish_seen_subcommand_from quickstart" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from quickstart" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method drain revoke delete deploy-command" -f -a enroll
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method drain revoke delete deploy-command" -f -a start
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method drain revoke delete deploy-command" -f -a install
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method drain revoke delete deploy-command" -f -a uninstall
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method drain revoke delete deploy-command" -f -a systemd
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method drain revoke delete deploy-command" -f -a status
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method drain revoke delete deploy-command" -f -a reload
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method drain revoke delete deploy-command" -f -a log-level
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method drain revoke delete deploy-command" -f -a create
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method drain revoke delete deploy-command" -f -a list
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method drain revoke delete deploy-command" -f -a show
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method drain revoke delete deploy-command" -f -a update
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method drain revoke delete deploy-command" -f -a auth-method
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method drain revoke delete deploy-command" -f -a drain
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method drain revoke delete deploy-command" -f -a revoke
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method drain revoke delete deploy-command" -f -a delete
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method drain revoke delete deploy-command" -f -a deploy-command
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and not __fish_seen_subcommand_from enroll start install uninstall systemd status reload log-level create list show update auth-method drain revoke delete deploy-command" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from enroll" -l name
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from enroll" -l enroll-method
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from enroll" -l token
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from enroll" -l token-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from enroll" -l auth-method
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from enroll" -l client-id
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from enroll" -l client-secret
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from enroll" -l client-secret-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from enroll" -l service-account-token-path
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from enroll" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from enroll" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from enroll" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from enroll" -l relay-id
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from enroll" -l listen
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from enroll" -l ssh-port
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from enroll" -l tls-port
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from enroll" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l name
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l enroll-method
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l token
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l token-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l auth-method
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l client-id
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l client-secret
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l client-secret-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l service-account-token-path
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l relay-id
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l type
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l host
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l exempt
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l proxy-protocol
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l proxy-from
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l pki
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l listen
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l ssh-port
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l tls-port
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l limit
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l workers
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l log-format
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l log-level
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l metrics
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from start" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l name
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l enroll-method
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l token
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l token-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l auth-method
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l client-id
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l client-secret
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l client-secret-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l service-account-token-path
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l relay-id
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l type
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l host
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l exempt
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l proxy-protocol
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l proxy-from
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l listen
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l ssh-port
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l tls-port
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l limit
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l workers
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l log-format
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l log-level
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l metrics
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l systemd
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l pki
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l dry-run
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from install" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from uninstall" -l name
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from uninstall" -l purge
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from uninstall" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and not __fish_seen_subcommand_from install uninstall" -f -a install
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and not __fish_seen_subcommand_from install uninstall" -f -a uninstall
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and not __fish_seen_subcommand_from install uninstall" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l name
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l enroll-method
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l token
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l token-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l auth-method
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l client-id
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l client-secret
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l client-secret-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l service-account-token-path
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l relay-id
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l type
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l host
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l exempt
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l proxy-protocol
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l proxy-from
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l listen
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l ssh-port
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l tls-port
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l limit
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l workers
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l log-format
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l log-level
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l metrics
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l systemd
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l pki
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l dry-run
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from install" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from uninstall" -l name
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from uninstall" -l purge
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from systemd; and __fish_seen_subcommand_from uninstall" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from status" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from status" -l watch
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from status" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from reload" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from log-level" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from create" -l host
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from create" -l auth-method
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from create" -l allow-arn
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from create" -l allow-account
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from create" -l require-audience
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from create" -l kubernetes-host
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from create" -l kubernetes-ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from create" -l reviewer-token-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from create" -l allow-namespace
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from create" -l allow-service-account
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from create" -l audience
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from create" -l verify-tls
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from create" -l instance
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from create" -l wait
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from create" -l timeout
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from create" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from create" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from create" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from create" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from create" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from list" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from list" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from list" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from list" -l local
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from list" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from list" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from show" -l check
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from show" -l wait
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from show" -l timeout
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from show" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from show" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from show" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from show" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from show" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from update" -l host
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from update" -l auto-select
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from update" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from update" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from update" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from update" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from update" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from auth-method" -l allow-arn
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from auth-method" -l allow-account
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from auth-method" -l require-audience
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from auth-method" -l kubernetes-host
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from auth-method" -l kubernetes-ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from auth-method" -l reviewer-token-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from auth-method" -l allow-namespace
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from auth-method" -l allow-service-account
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from auth-method" -l audience
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from auth-method" -l verify-tls
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from auth-method" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from auth-method" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from auth-method" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from auth-method" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from auth-method" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from drain" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from drain" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from drain" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from drain" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from revoke" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from revoke" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from revoke" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from revoke" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from delete" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from delete" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from delete" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from delete" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from deploy-command" -l service
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from deploy-command" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from deploy-command" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from deploy-command" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from deploy-command" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from relay; and __fish_seen_subcommand_from deploy-command" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and not __fish_seen_subcommand_from create delete list show update grant grants revoke ungrant" -f -a create
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and not __fish_seen_subcommand_from create delete list show update grant grants revoke ungrant" -f -a delete
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and not __fish_seen_subcommand_from create delete list show update grant grants revoke ungrant" -f -a list
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and not __fish_seen_subcommand_from create delete list show update grant grants revoke ungrant" -f -a show
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and not __fish_seen_subcommand_from create delete list show update grant grants revoke ungrant" -f -a update
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and not __fish_seen_subcommand_from create delete list show update grant grants revoke ungrant" -f -a grant
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and not __fish_seen_subcommand_from create delete list show update grant grants revoke ungrant" -f -a grants
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and not __fish_seen_subcommand_from create delete list show update grant grants revoke ungrant" -f -a revoke
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and not __fish_seen_subcommand_from create delete list show update grant grants revoke ungrant" -f -a ungrant
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and not __fish_seen_subcommand_from create delete list show update grant grants revoke ungrant" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from create" -l gateway
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from create" -l pool
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from create" -l target
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from create" -l kind
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from create" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from create" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from create" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from create" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from create" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from delete" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from delete" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from delete" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from delete" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from list" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from list" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from list" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from list" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from list" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from show" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from show" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from show" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from show" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from show" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from update" -l name
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from update" -l gateway
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from update" -l pool
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from update" -l target
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from update" -l kind
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from update" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from update" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from update" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from update" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from update" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from grant" -l identity
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from grant" -l for
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from grant" -l until
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from grant" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from grant" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from grant" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from grant" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from grant" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from grants" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from grants" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from grants" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from grants" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from grants" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from revoke" -l person
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from revoke" -l identity
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from revoke" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from revoke" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from revoke" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from revoke" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from ungrant" -l identity
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from ungrant" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from ungrant" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from ungrant" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from resource; and __fish_seen_subcommand_from ungrant" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and not __fish_seen_subcommand_from list show rights create update delete" -f -a list
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and not __fish_seen_subcommand_from list show rights create update delete" -f -a show
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and not __fish_seen_subcommand_from list show rights create update delete" -f -a rights
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and not __fish_seen_subcommand_from list show rights create update delete" -f -a create
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and not __fish_seen_subcommand_from list show rights create update delete" -f -a update
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and not __fish_seen_subcommand_from list show rights create update delete" -f -a delete
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and not __fish_seen_subcommand_from list show rights create update delete" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from list" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from list" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from list" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from list" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from list" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from show" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from show" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from show" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from show" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from show" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from rights" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from rights" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from rights" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from rights" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from rights" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from create" -l right
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from create" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from create" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from create" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from create" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from create" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from update" -l name
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from update" -l right
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from update" -l add
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from update" -l remove
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from update" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from update" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from update" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from update" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from update" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from delete" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from delete" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from delete" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from role; and __fish_seen_subcommand_from delete" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and not __fish_seen_subcommand_from list create revoke" -f -a list
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and not __fish_seen_subcommand_from list create revoke" -f -a create
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and not __fish_seen_subcommand_from list create revoke" -f -a revoke
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and not __fish_seen_subcommand_from list create revoke" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and __fish_seen_subcommand_from list" -l of
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and __fish_seen_subcommand_from list" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and __fish_seen_subcommand_from list" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and __fish_seen_subcommand_from list" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and __fish_seen_subcommand_from list" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and __fish_seen_subcommand_from list" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and __fish_seen_subcommand_from create" -l for
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and __fish_seen_subcommand_from create" -l until
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and __fish_seen_subcommand_from create" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and __fish_seen_subcommand_from create" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and __fish_seen_subcommand_from create" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and __fish_seen_subcommand_from create" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and __fish_seen_subcommand_from create" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and __fish_seen_subcommand_from revoke" -l of
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and __fish_seen_subcommand_from revoke" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and __fish_seen_subcommand_from revoke" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and __fish_seen_subcommand_from revoke" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from token; and __fish_seen_subcommand_from revoke" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and not __fish_seen_subcommand_from list invite invitations withdraw role remove password reset-password" -f -a list
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and not __fish_seen_subcommand_from list invite invitations withdraw role remove password reset-password" -f -a invite
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and not __fish_seen_subcommand_from list invite invitations withdraw role remove password reset-password" -f -a invitations
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and not __fish_seen_subcommand_from list invite invitations withdraw role remove password reset-password" -f -a withdraw
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and not __fish_seen_subcommand_from list invite invitations withdraw role remove password reset-password" -f -a role
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and not __fish_seen_subcommand_from list invite invitations withdraw role remove password reset-password" -f -a remove
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and not __fish_seen_subcommand_from list invite invitations withdraw role remove password reset-password" -f -a password
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and not __fish_seen_subcommand_from list invite invitations withdraw role remove password reset-password" -f -a reset-password
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and not __fish_seen_subcommand_from list invite invitations withdraw role remove password reset-password" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from list" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from list" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from list" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from list" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from list" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from invite" -l role
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from invite" -l valid-for
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from invite" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from invite" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from invite" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from invite" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from invite" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from invitations" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from invitations" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from invitations" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from invitations" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from invitations" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from withdraw" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from withdraw" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from withdraw" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from withdraw" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from role" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from role" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from role" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from role" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from role" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from remove" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from remove" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from remove" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from remove" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from password" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from password" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from password" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from password" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from reset-password" -l valid-for
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from reset-password" -l domain
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from reset-password" -l ca-file
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from reset-password" -l insecure-http
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from reset-password" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from user; and __fish_seen_subcommand_from reset-password" -l help
complete -c sallyport -n "true; and __fish_seen_subcommand_from version" -l json
complete -c sallyport -n "true; and __fish_seen_subcommand_from version" -l help
