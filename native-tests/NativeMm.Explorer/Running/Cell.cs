using NativeMm.Explorer.Machine;

namespace NativeMm.Explorer.Running;

/// <summary>
/// Plain data of a case, that the structure under test must protect. Two accesses of it, one of them a write, that nothing orders are a race, and a race
/// is a finding, whatever the values are.
/// </summary>
/// <param name="name">Its name in messages.</param>
/// <param name="value">Its first value.</param>
/// <param name="isStep">
/// Whether a thread may be stopped before an access. That is needed only where others put a fence into a thread (the process-wide one): everywhere else it
/// suffices to stop at atomic operations, because races are found by what orders accesses and not by when they happen.
/// </param>
internal sealed unsafe class Cell(string name, int value = 0, bool isStep = false)
{
    private readonly short[] _reads = new short[Views.Clocks];
    private int _value = value;
    private int _writer = -1;
    private short _written;

    /// <summary>The value.</summary>
    public int Value
    {
        get
        {
            if (Execution.IsActive)
            {
                StepIfWanted();
                Strand strand = Execution.Current;
                RequireAfter(strand, _writer, _written, "reads what {1} writes");
                _reads[strand.Number] = strand.View[strand.Number];
                Trace.Note(strand, Trace.IsOn ? $"read {name} → {_value}" : "");
            }

            return _value;
        }

        set
        {
            if (Execution.IsActive)
            {
                StepIfWanted();
                Strand strand = Execution.Current;
                RequireAfter(strand, _writer, _written, "writes what {1} writes");
                for (int i = 0; i < Execution.Strands.Length; i++)
                {
                    RequireAfter(strand, i, _reads[i], "writes what {1} reads");
                }

                (_writer, _written) = (strand.Number, strand.View[strand.Number]);
                Trace.Note(strand, Trace.IsOn ? $"write {name} ← {value}" : "");
            }

            _value = value;
        }
    }

    private void StepIfWanted()
    {
        if (isStep)
        {
            Execution.Step();
        }
    }

    private void RequireAfter(Strand strand, int other, short when, string what)
    {
        if (other >= 0 && other != strand.Number && strand.View[other] < when)
        {
            Execution.Fail($"race on {name}: {strand.Name} " + what.Replace("{1}", Execution.Strands[other].Name, StringComparison.Ordinal));
        }
    }
}
