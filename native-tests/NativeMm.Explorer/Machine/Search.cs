namespace NativeMm.Explorer.Machine;

/// <summary>Depth-first search over the choices of executions. Each execution repeats the choices before the last one that has an alternative left.</summary>
internal static class Search
{
    private const int DepthMax = 1 << 16;
    private static readonly byte[] s_choices = new byte[DepthMax];
    private static readonly byte[] s_widths = new byte[DepthMax];
    private static int s_known;
    private static int s_depth;

    /// <summary>The choices of the execution that just ended: a seed that repeats it.</summary>
    public static string Seed => Seeds.Write(s_choices.AsSpan(0, s_depth));

    /// <summary>Begins a new search.</summary>
    public static void Begin() => s_known = s_depth = 0;

    /// <summary>Begins a search whose first execution follows a seed.</summary>
    public static void Begin(string seed)
    {
        s_depth = 0;
        s_known = Seeds.Read(seed, s_choices);
        Array.Clear(s_widths, 0, s_known);
    }

    /// <summary>Begins the next execution.</summary>
    public static void Restart() => s_depth = 0;

    /// <summary>Takes a decision.</summary>
    /// <param name="alternatives">How many there are; the first execution takes number 0 everywhere.</param>
    public static int Choose(int alternatives)
    {
        if (alternatives == 1)
        {
            return 0;
        }

        int at = s_depth++;
        if (at >= s_known)
        {
            s_choices[at] = 0;
            s_widths[at] = (byte)alternatives;
            s_known = at + 1;
            return 0;
        }

        if (s_widths[at] != alternatives)
        {
            if (s_widths[at] != 0)
            {
                throw new InvalidOperationException($"The case is not the same each time: choice {at} had {s_widths[at]} alternatives and has {alternatives}.");
            }

            s_widths[at] = (byte)alternatives;
        }

        return s_choices[at];
    }

    /// <summary>Moves on to the next execution. False when there is none left.</summary>
    public static bool TryAdvance()
    {
        s_known = s_depth;
        while (s_known > 0)
        {
            if (++s_choices[s_known - 1] < s_widths[s_known - 1])
            {
                return true;
            }

            s_known--;
        }

        return false;
    }
}
