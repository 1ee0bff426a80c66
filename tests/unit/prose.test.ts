import { expect } from "chai";
import { wrongTerms } from "../../scripts/prose";

describe("unit: prose", () => {
  it("reports wrong terms with their line, in paragraphs, headings and tables", async () => {
    const text = "# While Loki is away\n\nIt is made anew.\n\n| a | b |\n|---|---|\n| x | his pod |\n";
    expect(await wrongTerms(text)).to.deep.equal([
      "1: Incorrect term: “is away”, use “is unavailable” instead",
      "3: Incorrect term: “anew”, use “again” instead",
      "7: Incorrect term: “his”, use “its” instead",
    ]);
  });

  it("ignores code, and words that only contain a term", async () => {
    const text = "`anew` and this history, amended.\n\n```\nmend it\n```\n";
    expect(await wrongTerms(text)).to.deep.equal([]);
  });
});
