using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace NativeMm.Tests.Support;

/// <summary>The machine code that the JIT made of one method, as it lists it, and what is counted in it. Knows x64 and arm64.</summary>
public sealed partial class MethodCode
{
    private const string Header = "; Assembly listing for method ";

    private MethodCode(string name, string text)
    {
        Name = name;
        Text = text;
        Instructions = [.. text.Split('\n').Where(line => InstructionLine().IsMatch(line)).Select(line => line.Trim())];
        Match total = TotalBytes().Match(text);
        CodeBytes = total.Success ? int.Parse(total.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
    }

    /// <summary>The method with its signature, as the JIT writes it.</summary>
    public string Name { get; }

    /// <summary>The whole listing.</summary>
    public string Text { get; }

    /// <summary>Its instructions, one a line.</summary>
    public IReadOnlyList<string> Instructions { get; }

    /// <summary>Length of the code in bytes.</summary>
    public int CodeBytes { get; }

    /// <summary>Calls and tail jumps to other methods, with their target as far as the JIT names it.</summary>
    public IReadOnlyList<string> Calls => [.. Instructions.Where(line => CallInstruction().IsMatch(line))];

    /// <summary>Conditional and unconditional jumps inside the method.</summary>
    public int Branches => Instructions.Count(line => BranchInstruction().IsMatch(line));

    /// <summary>Atomic read-modify-write instructions and full fences.</summary>
    public int AtomicOperations => Instructions.Count(line => AtomicInstruction().IsMatch(line));

    /// <summary>Instructions between the target of a backward jump and the jump: what runs more than once.</summary>
    public IReadOnlyList<string> LoopedInstructions
    {
        get
        {
            string[] lines = Text.Split('\n');
            var labels = new Dictionary<string, int>();
            var looped = new SortedSet<int>();
            for (int i = 0; i < lines.Length; i++)
            {
                Match label = LabelLine().Match(lines[i]);
                if (label.Success)
                {
                    labels[label.Groups[1].Value] = i;
                }

                Match jump = JumpTarget().Match(lines[i].Trim());
                if (jump.Success && labels.TryGetValue(jump.Groups[1].Value, out int start))
                {
                    looped.UnionWith(Enumerable.Range(start, i - start + 1));
                }
            }

            return [.. looped.Select(i => lines[i]).Where(line => InstructionLine().IsMatch(line)).Select(line => line.Trim())];
        }
    }

    /// <summary>Whether the listing says what is called: on arm64 it calls through registers, and names nothing.</summary>
    public static bool NamesTargets => RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64;

    /// <summary>Whether one of <see cref="Calls"/> goes to a method, or may do so where the listing does not name it.</summary>
    /// <param name="call">The instruction.</param>
    /// <param name="method">Name of the method.</param>
    public static bool IsCallTo(string call, string method) => !NamesTargets || call.Contains(method, StringComparison.Ordinal);

    /// <summary>Cuts the JIT's listing into methods.</summary>
    public static IReadOnlyList<MethodCode> ParseAll(string listing)
    {
        var methods = new List<MethodCode>();
        foreach (string part in listing.Split(Header).Skip(1))
        {
            int end = part.IndexOf('\n', StringComparison.Ordinal);
            methods.Add(new MethodCode(part[..end].Trim(), part[(end + 1)..]));
        }

        return methods;
    }

    [GeneratedRegex(@"^\s+[a-z][a-z0-9.]*(\s|$)")]
    private static partial Regex InstructionLine();

    [GeneratedRegex(@"^(G_M\d+_IG\d+):")]
    private static partial Regex LabelLine();

    [GeneratedRegex(@"^(?:j[a-z]+|b(?:\.[a-z]+)?|b[a-z]{2}|cbn?z|tbn?z)\s.*?(G_M\d+_IG\d+)$")]
    private static partial Regex JumpTarget();

    [GeneratedRegex(@"; Total bytes of code[ :]*(\d+)")]
    private static partial Regex TotalBytes();

    [GeneratedRegex(@"^(call|tail\.jmp|rex\.jmp|bl|blr|br)\s|^jmp\s+\[")]
    private static partial Regex CallInstruction();

    [GeneratedRegex(@"^(j[a-z]+\s+(SHORT\s+)?G_|b(\.[a-z]+)?\s+G_|cbn?z\s|tbn?z\s|b(eq|ne|lt|gt|le|ge|hi|ls|hs|lo|mi|pl)\s)")]
    private static partial Regex BranchInstruction();

    [GeneratedRegex(@"^(lock\s*|xchg\s|mfence|cas[a-z]*\s|swp[a-z]*\s|ldadd[a-z]*\s|ldset[a-z]*\s|ldclr[a-z]*\s|ldaxr|stlxr|dmb\s+ish$)")]
    private static partial Regex AtomicInstruction();
}
