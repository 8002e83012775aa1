using System.Globalization;
using NativeMm.Lab.Harness;

namespace NativeMm.Soak.Running;

/// <summary>
/// A control group whose limit of memory is reached, and left again. From one rest to the next all that the process takes counts there, and pages of a file that
/// are read on and on fill it up, so that the system has to find room for each page that the library touches.
/// </summary>
/// <param name="mebibytes">The limit; more than all runtimes may have, because the system ends processes that it cannot find room for. 0 for none.</param>
internal sealed class LimitVisits(int mebibytes)
{
    private const int RestsBetween = 3;
    private const int ReadBytes = 1 << 20;

    private string? _obstacle = mebibytes == 0 ? "none is wanted" : MemoryGroup.Obstacle;
    private int _rests;
    private MemoryGroup? _group;
    private Thread? _reader;
    private bool _stops;
    private long _reached;

    /// <summary>What was reached so far, in words.</summary>
    public string Summary => _obstacle is null
        ? string.Create(CultureInfo.InvariantCulture, $"memory limit of {mebibytes} MiB met {_reached} times in {Visits} visits")
        : $"no memory limit: {_obstacle}";

    /// <summary>Visits that are over.</summary>
    public int Visits { get; private set; }

    /// <summary>Enters or leaves, when it is time.</summary>
    public void NoteRest()
    {
        if (_obstacle is null && ++_rests % RestsBetween == 0)
        {
            try
            {
                _group = MemoryGroup.Enter((long)mebibytes << 20);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                _obstacle = $"the process may not enter its control group ({exception.Message.ReplaceLineEndings(" ")})";
                return;
            }

            Volatile.Write(ref _stops, false);
            _reader = new Thread(ReadOn) { Name = "reader of a file", IsBackground = true };
            _reader.Start();
        }
        else
        {
            Leave();
        }
    }

    /// <summary>Leaves, if that was not done.</summary>
    public void Leave()
    {
        if (_group is { } group)
        {
            Volatile.Write(ref _stops, true);
            _reader!.Join();
            _reached += group.TimesReached;
            Visits++;
            group.Dispose();
            _group = null;
        }
    }

    /// <summary>Reads a file without blocks twice as long as the limit: nothing but its pages in memory costs anything.</summary>
    private void ReadOn()
    {
        string path = Path.Combine(Path.GetTempPath(), $"nativemm-soak-{Environment.ProcessId}-ballast");
        using var file = new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
        file.SetLength((long)mebibytes << 21);
        byte[] bytes = new byte[ReadBytes];
        while (!Volatile.Read(ref _stops))
        {
            if (file.Read(bytes) == 0)
            {
                file.Position = 0;
            }

            Thread.Sleep(file.Position >= (long)mebibytes << 20 ? 1 : 0);
        }
    }
}
