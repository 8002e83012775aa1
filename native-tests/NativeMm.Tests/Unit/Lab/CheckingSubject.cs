using NativeMm.Lab.Experiments.Zsmalloc;
using NativeMm.Lab.Harness;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>Holds exactly the bytes that are stored in it, and stops at the first senseless call.</summary>
internal sealed class CheckingSubject : IDensitySubject
{
    private readonly Dictionary<int, int> _lengths = [];

    public int Count => _lengths.Count;

    public int Most { get; private set; }

    public List<(int Count, long Bytes)> Looks { get; } = [];

    public long? HeldBytes => _lengths.Values.Sum(l => (long)l);

    public void Put(int number, ReadOnlySpan<byte> content)
    {
        _lengths.Add(number, content.Length);
        Most = Math.Max(Most, Count);
    }

    public void Remove(int number)
    {
        if (!_lengths.Remove(number))
        {
            throw new InvalidOperationException($"There is nothing under {number}.");
        }
    }

    public void GiveBack() => Looks.Add((Count, HeldBytes!.Value));

    public void Describe(Measurement measurement, double storedBytes)
    {
    }

    public void Dispose()
    {
    }
}
