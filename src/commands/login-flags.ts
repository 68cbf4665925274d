/** For whatever can log in by a pod's service account. */
export const serviceAccountArgs = {
  "service-account-token-path": {
    type: "string",
    description: "File with the token of the service account, for the enroll method kubernetes",
    valueHint: "file",
  },
} as const;
