/** The public parts of keys made by the caller (EXTENSIONS X1): PKCS#10 PEM, and an OpenSSH public key line. */
export interface PublicParts {
  csr?: string;
  sshPublicKey?: string;
}
