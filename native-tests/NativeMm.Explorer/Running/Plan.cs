using NativeMm.Explorer.Machine;

namespace NativeMm.Explorer.Running;

/// <summary>What a case does in one execution.</summary>
internal sealed class Plan
{
    private readonly List<(string Name, Action Body, Action? Before)> _threads = [];

    /// <summary>The threads, in the order in which they start when nothing else is chosen.</summary>
    public IReadOnlyList<(string Name, Action Body, Action? Before)> Threads => _threads;

    /// <summary>Looks at the end, when all threads have ended; sees the newest of each word.</summary>
    public Action? End { get; private set; }

    /// <summary>Looks after each step; sees the newest of each word.</summary>
    public Action? EachStep { get; private set; }

    /// <summary>Ends the execution as a finding unless something holds. Any thread of a case may call it, at any moment.</summary>
    public static void Check(bool holds, string otherwise)
    {
        if (!holds)
        {
            Execution.Fail(otherwise);
        }
    }

    /// <summary>Adds a thread.</summary>
    /// <param name="name">Its name in traces.</param>
    /// <param name="body">What it does.</param>
    /// <param name="before">What it did before any thread began: not part of the search.</param>
    public Plan Thread(string name, Action body, Action? before = null)
    {
        _threads.Add((name, body, before));
        return this;
    }

    /// <summary>Sets what must hold at the end.</summary>
    public Plan AtEnd(Action look)
    {
        End = look;
        return this;
    }

    /// <summary>Sets what must hold always.</summary>
    public Plan Always(Action look)
    {
        EachStep = look;
        return this;
    }
}
