namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>How many operations of one thread passed and failed. Written by that thread alone, once a loop.</summary>
internal sealed class TestTally
{
    /// <summary>Operations that got what they asked for.</summary>
    public long Passed { get; private set; }

    /// <summary>Operations that were refused something.</summary>
    public long Failed { get; private set; }

    /// <summary>Adds a loop.</summary>
    public void Add(int operations, int failed)
    {
        Passed += operations - failed;
        Failed += failed;
    }
}
