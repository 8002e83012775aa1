namespace NativeMm.Explorer.Machine;

/// <summary>Counts writes to cache lines that another strand reads or writes too: what an operation costs all the others.</summary>
internal static class Lines
{
    private const int LineShift = 6;
    private static readonly Dictionary<nuint, (int Users, int FirstWrites, int SecondWrites)> s_lines = [];

    /// <summary>Whether accesses are noted.</summary>
    public static bool AreCounted { get; set; }

    /// <summary>Writes of both strands to lines that both of them used.</summary>
    public static int SharedWrites => s_lines.Values.Where(line => line.Users == 3).Sum(line => line.FirstWrites + line.SecondWrites);

    /// <summary>Forgets all.</summary>
    public static void Reset() => s_lines.Clear();

    /// <summary>The strand that runs reads or writes.</summary>
    public static void Touch(nuint address, bool isWrite)
    {
        if (address - Fibers.StacksBegin < Fibers.StacksEnd - Fibers.StacksBegin)
        {
            return;
        }

        int strand = Execution.Current.Number;
        s_lines.TryGetValue(address >> LineShift, out (int Users, int FirstWrites, int SecondWrites) line);
        int write = isWrite ? 1 : 0;
        s_lines[address >> LineShift] =
            (line.Users | (1 << strand), line.FirstWrites + (strand == 0 ? write : 0), line.SecondWrites + (strand == 1 ? write : 0));
    }
}
