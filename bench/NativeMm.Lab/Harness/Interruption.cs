using NativeMm.Primitives;

namespace NativeMm.Lab.Harness;

/// <summary>Interrupts from the terminal: the first one ends the launches, so that what was measured is shown and written; the second one ends the lab.</summary>
internal sealed class Interruption : IDisposable
{
    private int _came;

    /// <summary>Begins to listen.</summary>
    public Interruption() => Console.CancelKeyPress += OnCancel;

    /// <summary>Whether one came.</summary>
    public bool Came => Atomic.LoadAcquire(ref _came) != 0;

    /// <summary>Listens no more: the next interrupt ends the lab.</summary>
    public void Dispose() => Console.CancelKeyPress -= OnCancel;

    /// <summary>Takes note.</summary>
    /// <returns>Whether the lab goes on.</returns>
    internal bool Take()
    {
        bool goesOn = !Came;
        Atomic.StoreRelease(ref _came, 1);
        return goesOn;
    }

    private void OnCancel(object? sender, ConsoleCancelEventArgs pressed) => pressed.Cancel = Take();
}
