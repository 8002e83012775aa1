// Purpose      which words are worth stopping at. A word that only one strand touches, or that nobody writes while strands run, commutes with everything that the
//              others do: another strand may as well be let in at the next word that counts. Unless the step is a read-modify-write, which is a full fence too, and
//              would tell something: then it is a stop whatever its word is (Execution.IsFenceTelling).
// How          learned: a search begins with no word contested. When an execution shows two strands at a word, one of which writes it, the word is
//              contested, and the search begins anew. The last search, which is the one that counts, found none that it had not known.
// Which        words in the cases' arena, which lie at the same addresses in each execution; all others always count.
// Source       the idea of dynamic partial-order reduction (Flanagan and Godefroid 2005), by word instead of by step.

using System.Globalization;

namespace NativeMm.Explorer.Machine;

/// <summary>The words of the arena at which strands are stopped.</summary>
internal static class Contention
{
    private const int WordBytes = 4;
    private static readonly bool[] s_isContested = new bool[ArenaMemory.Bytes / WordBytes];
    private static readonly List<int> s_contested = [];

    /// <summary>Whether a word was added since the last search began.</summary>
    public static bool HasGrown { get; set; }

    /// <summary>The words, as a text that <see cref="Know"/> reads.</summary>
    public static string Text => string.Join('.', s_contested.Select(word => word.ToString("x", CultureInfo.InvariantCulture)));

    /// <summary>Forgets all words.</summary>
    public static void Forget()
    {
        foreach (int word in s_contested)
        {
            s_isContested[word] = false;
        }

        s_contested.Clear();
    }

    /// <summary>Takes words over from a seed.</summary>
    public static void Know(string text)
    {
        Forget();
        foreach (string word in text.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            Add(int.Parse(word, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Whether a strand may be stopped before it touches a word.</summary>
    public static bool IsStop(nuint address)
    {
        nuint offset = address - ArenaMemory.Begin;
        return offset >= ArenaMemory.Bytes || s_isContested[offset / WordBytes];
    }

    /// <summary>A strand touches a word.</summary>
    public static void Touch(ref Word word, int strand, bool isWrite)
    {
        if (Lines.AreCounted)
        {
            Lines.Touch(word.Address, isWrite);
        }

        byte self = (byte)(1 << strand);
        word.Users |= self;
        word.Writers |= isWrite ? self : (byte)0;
        if (word.Writers != 0 && (word.Users & (word.Users - 1)) != 0)
        {
            nuint offset = word.Address - ArenaMemory.Begin;
            if (offset < ArenaMemory.Bytes && !s_isContested[offset / WordBytes])
            {
                Add((int)(offset / WordBytes));
                HasGrown = true;
            }
        }
    }

    private static void Add(int word)
    {
        s_isContested[word] = true;
        s_contested.Add(word);
    }
}
