/** An error that the user can fix: only its message is printed. */
export class UserError extends Error {
  /** Pulumi recognizes it by this field, like its own RunError: it shows the message and no stack trace. */
  readonly __pulumiRunError = true;

  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}
