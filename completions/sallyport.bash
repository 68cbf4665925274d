# bash completion of sallyport: source this file, or put it into /etc/bash_completion.d
_sallyport() {
  local word path="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="${COMP_WORDS[i]}"
    [[ "$word" == -* ]] || path="$path $word"
  done
  case "${path# }" in
    "ca issue relay"|"ca issue relay "*) COMPREPLY=($(compgen -W "--dir --key-file --json --out --ttl --csr --ssh-public-key --host --ssh-port --tls-port --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "ca issue gateway"|"ca issue gateway "*) COMPREPLY=($(compgen -W "--dir --key-file --json --out --ttl --csr --ssh-public-key --relay-host --relay --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "ca issue client"|"ca issue client "*) COMPREPLY=($(compgen -W "--dir --key-file --json --out --csr --ttl --gateway --target --relay --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "gateway systemd install"|"gateway systemd install "*) COMPREPLY=($(compgen -W "--name --enroll-method --token --token-file --domain --gateway-id --auth-method --relay --tunnels --allow --deny --listen-address --ca-file --insecure-http --log-format --log-level --metrics --systemd --dry-run --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "gateway systemd uninstall"|"gateway systemd uninstall "*) COMPREPLY=($(compgen -W "--name --purge --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "relay systemd install"|"relay systemd install "*) COMPREPLY=($(compgen -W "--name --enroll-method --token --token-file --domain --ca-file --insecure-http --type --host --relay-id --exempt --listen --ssh-port --tls-port --limit --log-format --log-level --metrics --systemd --dry-run --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "relay systemd uninstall"|"relay systemd uninstall "*) COMPREPLY=($(compgen -W "--name --purge --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "audit list"|"audit list "*) COMPREPLY=($(compgen -W "--since --until --person --limit --export --domain --ca-file --insecure-http --json --event --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "audit connections"|"audit connections "*) COMPREPLY=($(compgen -W "--since --until --person --limit --export --domain --ca-file --insecure-http --json --gateway --open --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "ca init"|"ca init "*) COMPREPLY=($(compgen -W "--dir --key-file --json --org --key-type --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "ca show"|"ca show "*) COMPREPLY=($(compgen -W "--dir --key-file --json --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "ca issue"|"ca issue "*) COMPREPLY=($(compgen -W "relay gateway client --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "ca revoke"|"ca revoke "*) COMPREPLY=($(compgen -W "--dir --key-file --json --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "ca rotate"|"ca rotate "*) COMPREPLY=($(compgen -W "--dir --key-file --json --drop-old --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "ca export"|"ca export "*) COMPREPLY=($(compgen -W "--dir --key-file --json --out --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "gateway enroll"|"gateway enroll "*) COMPREPLY=($(compgen -W "--name --enroll-method --token --token-file --domain --gateway-id --auth-method --relay --tunnels --allow --deny --listen-address --ca-file --insecure-http --json --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "gateway start"|"gateway start "*) COMPREPLY=($(compgen -W "--name --enroll-method --token --token-file --domain --gateway-id --auth-method --relay --tunnels --allow --deny --listen-address --ca-file --insecure-http --pki --log-format --log-level --metrics --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "gateway install"|"gateway install "*) COMPREPLY=($(compgen -W "--name --enroll-method --token --token-file --domain --gateway-id --auth-method --relay --tunnels --allow --deny --listen-address --ca-file --insecure-http --log-format --log-level --metrics --systemd --dry-run --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "gateway uninstall"|"gateway uninstall "*) COMPREPLY=($(compgen -W "--name --purge --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "gateway systemd"|"gateway systemd "*) COMPREPLY=($(compgen -W "install uninstall --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "gateway status"|"gateway status "*) COMPREPLY=($(compgen -W "--json --watch --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "gateway reload"|"gateway reload "*) COMPREPLY=($(compgen -W "--help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "gateway log-level"|"gateway log-level "*) COMPREPLY=($(compgen -W "--help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "gateway create"|"gateway create "*) COMPREPLY=($(compgen -W "--relay --domain --ca-file --insecure-http --json --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "gateway list"|"gateway list "*) COMPREPLY=($(compgen -W "--domain --ca-file --insecure-http --local --json --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "gateway show"|"gateway show "*) COMPREPLY=($(compgen -W "--domain --ca-file --insecure-http --json --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "gateway revoke"|"gateway revoke "*) COMPREPLY=($(compgen -W "--domain --ca-file --insecure-http --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "gateway delete"|"gateway delete "*) COMPREPLY=($(compgen -W "--domain --ca-file --insecure-http --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "gateway deploy-command"|"gateway deploy-command "*) COMPREPLY=($(compgen -W "--relay --domain --ca-file --insecure-http --json --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "platform bootstrap"|"platform bootstrap "*) COMPREPLY=($(compgen -W "--email --org --ca-dir --ca-key-file --listen --public-url --data-dir --database-url --log-format --log-level --json --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "platform migrate"|"platform migrate "*) COMPREPLY=($(compgen -W "--data-dir --database-url --log-format --log-level --json --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "platform start"|"platform start "*) COMPREPLY=($(compgen -W "--listen --public-url --data-dir --database-url --log-format --log-level --allow-private-hosts --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "relay enroll"|"relay enroll "*) COMPREPLY=($(compgen -W "--name --enroll-method --token --token-file --domain --ca-file --insecure-http --listen --ssh-port --tls-port --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "relay start"|"relay start "*) COMPREPLY=($(compgen -W "--name --enroll-method --token --token-file --domain --ca-file --insecure-http --type --host --relay-id --exempt --pki --listen --ssh-port --tls-port --limit --log-format --log-level --metrics --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "relay install"|"relay install "*) COMPREPLY=($(compgen -W "--name --enroll-method --token --token-file --domain --ca-file --insecure-http --type --host --relay-id --exempt --listen --ssh-port --tls-port --limit --log-format --log-level --metrics --systemd --dry-run --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "relay uninstall"|"relay uninstall "*) COMPREPLY=($(compgen -W "--name --purge --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "relay systemd"|"relay systemd "*) COMPREPLY=($(compgen -W "install uninstall --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "relay status"|"relay status "*) COMPREPLY=($(compgen -W "--json --watch --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "relay reload"|"relay reload "*) COMPREPLY=($(compgen -W "--help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "relay log-level"|"relay log-level "*) COMPREPLY=($(compgen -W "--help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "relay create"|"relay create "*) COMPREPLY=($(compgen -W "--host --domain --ca-file --insecure-http --json --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "relay list"|"relay list "*) COMPREPLY=($(compgen -W "--domain --ca-file --insecure-http --local --json --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "relay show"|"relay show "*) COMPREPLY=($(compgen -W "--domain --ca-file --insecure-http --json --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "relay drain"|"relay drain "*) COMPREPLY=($(compgen -W "--domain --ca-file --insecure-http --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "relay revoke"|"relay revoke "*) COMPREPLY=($(compgen -W "--domain --ca-file --insecure-http --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "relay delete"|"relay delete "*) COMPREPLY=($(compgen -W "--domain --ca-file --insecure-http --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "relay deploy-command"|"relay deploy-command "*) COMPREPLY=($(compgen -W "--domain --ca-file --insecure-http --json --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "resource create"|"resource create "*) COMPREPLY=($(compgen -W "--gateway --target --kind --domain --ca-file --insecure-http --json --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "resource delete"|"resource delete "*) COMPREPLY=($(compgen -W "--domain --ca-file --insecure-http --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "resource list"|"resource list "*) COMPREPLY=($(compgen -W "--domain --ca-file --insecure-http --json --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "resource grant"|"resource grant "*) COMPREPLY=($(compgen -W "--for --until --domain --ca-file --insecure-http --json --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "resource grants"|"resource grants "*) COMPREPLY=($(compgen -W "--domain --ca-file --insecure-http --json --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "resource revoke"|"resource revoke "*) COMPREPLY=($(compgen -W "--person --domain --ca-file --insecure-http --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "resource ungrant"|"resource ungrant "*) COMPREPLY=($(compgen -W "--domain --ca-file --insecure-http --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "audit"|"audit "*) COMPREPLY=($(compgen -W "list connections --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "ca"|"ca "*) COMPREPLY=($(compgen -W "init show issue revoke rotate export --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "completions"|"completions "*) COMPREPLY=($(compgen -W "--help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "connect"|"connect "*) COMPREPLY=($(compgen -W "--gateway --target --pki --listen --stdio --mode --target-ca --insecure-target --log-level --json --domain --ca-file --insecure-http --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "doctor"|"doctor "*) COMPREPLY=($(compgen -W "--gateway --relay --pki --target --allow --deny --json --bundle --domain --ca-file --insecure-http --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "gateway"|"gateway "*) COMPREPLY=($(compgen -W "enroll start install uninstall systemd status reload log-level create list show revoke delete deploy-command --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "login"|"login "*) COMPREPLY=($(compgen -W "--domain --ca-file --insecure-http --token-file --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "logout"|"logout "*) COMPREPLY=($(compgen -W "--ca-file --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "platform"|"platform "*) COMPREPLY=($(compgen -W "bootstrap migrate start --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "quickstart"|"quickstart "*) COMPREPLY=($(compgen -W "--check --json --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "relay"|"relay "*) COMPREPLY=($(compgen -W "enroll start install uninstall systemd status reload log-level create list show drain revoke delete deploy-command --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "resource"|"resource "*) COMPREPLY=($(compgen -W "create delete list grant grants revoke ungrant --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "version"|"version "*) COMPREPLY=($(compgen -W "--json --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    "") COMPREPLY=($(compgen -W "audit ca completions connect doctor gateway login logout platform quickstart relay resource version --help" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
  esac
}
complete -o default -F _sallyport sallyport
