using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Lab.Harness;

/// <summary>
/// Interrupts from the terminal, and requests to end from elsewhere (<c>SIGTERM</c>): the first one ends the launches, so that what was measured is shown and written and no child stays behind; the
/// second one ends the lab.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly PosixSignalRegistration _end;
    private int _came;

    /// <summary>Begins to listen.</summary>
    public Interruption()
    {
        Console.CancelKeyPress += OnCancel;
        _end = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => signal.Cancel = Take());
    }

    /// <summary>Whether one came.</summary>
    public bool Came => Atomic.LoadAcquire(ref _came) != 0;

    /// <summary>Listens no more: the next interrupt ends the lab.</summary>
    public void Dispose()
    {
        Console.CancelKeyPress -= OnCancel;
        _end.Dispose();
    }

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
