/** An error that the user can mend: its message is all there is to show. */
export class UserError extends Error {
  /** By this Pulumi knows it, as its own RunError: it shows the message and no stack trace. */
  readonly __pulumiRunError = true;

  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}
