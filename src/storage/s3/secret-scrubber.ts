import type { S3Client } from '@aws-sdk/client-s3';
import type { S3Credentials } from '../store-settings.ts';

const MASK = '***';
/** Shorter texts would mask parts of common words, and no real secret is that short. */
const MIN_LENGTH = 4;

/** Masks the credentials in texts that come from the SDK or the server, also those of the AWS chain. */
export class SecretScrubber {
  private readonly secrets = new Set<string>();

  constructor(credentials: S3Credentials | undefined) {
    this.learn(credentials?.accessKeyId.reveal());
    this.learn(credentials?.secretAccessKey.reveal());
    this.learn(credentials?.sessionToken?.reveal());
  }

  /** Learns what the credential chain of `client` gives, as it is used. */
  watch(client: S3Client): void {
    client.middlewareStack.add(
      (next) => async (args) => {
        const used = await client.config.credentials();
        this.learn(used.accessKeyId);
        this.learn(used.secretAccessKey);
        this.learn(used.sessionToken);
        return next(args);
      },
      { step: 'finalizeRequest', name: 'segctlLearnSecrets' },
    );
  }

  scrub(text: string): string {
    let clean = text;
    for (const secret of this.secrets) {
      clean = clean.replaceAll(secret, MASK);
    }
    return clean;
  }

  private learn(secret: string | undefined): void {
    if (secret !== undefined && secret.length >= MIN_LENGTH) {
      this.secrets.add(secret);
    }
  }
}
