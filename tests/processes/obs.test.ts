import { spawnSync } from "node:child_process";
import { expect } from "chai";
import { root } from "../../cli/lib/stack-config";

describe("obs as a process", function () {
  this.timeout(60_000);

  it("exits 1 with a message, without a stack trace, after a user's mistake", () => {
    const { stderr, status } = spawnSync(process.execPath, ["cli/main.cjs", "preview", "nowhere"], {
      cwd: root,
      encoding: "utf8",
    });
    expect(status).to.equal(1);
    expect(stderr)
      .to.match(/^obs: Pulumi\.nowhere\.yaml does not exist/)
      .and.not.include("    at ");
  });
});
