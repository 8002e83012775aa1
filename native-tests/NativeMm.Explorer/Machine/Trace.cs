using System.Runtime.CompilerServices;

namespace NativeMm.Explorer.Machine;

/// <summary>Writes down an execution, when it is switched on: one line a step, with the source line and the label that it belongs to.</summary>
internal static class Trace
{
    private static readonly List<string> s_lines = [];
    private static readonly Dictionary<nuint, string> s_names = [];

    /// <summary>Whether anything is written down.</summary>
    public static bool IsOn { get; private set; }

    /// <summary>What was written down.</summary>
    public static IReadOnlyList<string> Lines => s_lines;

    /// <summary>Begins.</summary>
    public static void Begin()
    {
        s_lines.Clear();
        s_names.Clear();
        IsOn = true;
    }

    /// <summary>Ends.</summary>
    public static void End() => IsOn = false;

    /// <summary>Gives a word a name for this execution.</summary>
    public static void Name(nuint address, string name)
    {
        if (IsOn)
        {
            s_names[address] = name;
        }
    }

    /// <summary>Something that is not an access.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Note(Strand strand, string what)
    {
        if (IsOn)
        {
            Write(strand, what);
        }
    }

    public static void Operation(Strand strand, string what, nuint address, ulong value)
    {
        if (IsOn)
        {
            Write(strand, $"{what} {NameOf(address)} ← {Text(value)}");
        }
    }

    public static void Load(Strand strand, nuint address, ulong value, bool acquire, int stale)
    {
        if (IsOn)
        {
            string age = stale == 0 ? "" : $", STALE: {stale} newer not seen";
            Write(strand, $"{(acquire ? "load" : "load, relaxed")} {NameOf(address)} → {Text(value)}{age}");
        }
    }

    public static void Change(Strand strand, nuint address, ulong old, ulong value, bool isChanged)
    {
        if (IsOn)
        {
            Write(strand, $"change {NameOf(address)}: {Text(old)} → {(isChanged ? Text(value) : "refused")}");
        }
    }

    private static void Write(Strand strand, string what)
    {
        (string label, string place, string text) = Sites.Describe(strand.Site);
        s_lines.Add($"{strand.Name,-10} {what,-52} {label,-26} {place,-40} {text}".TrimEnd());
    }

    private static string NameOf(nuint address) => s_names.TryGetValue(address, out string? name) ? name : $"w{Execution.NumberOf(address)}";

    private static string Text(ulong value) => value < 100_000 ? $"{value}" : $"{value:x}h";
}
