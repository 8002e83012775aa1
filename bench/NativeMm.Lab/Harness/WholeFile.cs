using System.Globalization;

namespace NativeMm.Lab.Harness;

/// <summary>
/// A file that is written as a whole or not at all: it grows beside its place and takes it at the end, so that a full disk costs nobody what was there
/// before. Where nothing can grow beside it, and for what is empty or a link, as devices, pipes and names of them are, it is written where it is.
/// </summary>
internal sealed class WholeFile : IDisposable
{
    private readonly string _path;
    private readonly string? _beside;

    /// <summary>Begins a file.</summary>
    /// <param name="path">Its place.</param>
    /// <exception cref="IOException">Nothing can be written there.</exception>
    public WholeFile(string path)
    {
        _path = path;
        var place = new FileInfo(path);
        if (!place.Exists || (place.Length > 0 && place.LinkTarget is null))
        {
            _beside = string.Create(CultureInfo.InvariantCulture, $"{path}.{Environment.ProcessId}.part");
            try
            {
                Stream = File.Create(_beside);
                return;
            }
            catch (UnauthorizedAccessException) when (place.Exists)
            {
                // The folder takes no new file, but this one may be written over.
                _beside = null;
            }
        }

        Stream = File.Create(path);
    }

    /// <summary>Takes the content; whoever writes may close it.</summary>
    public FileStream Stream { get; }

    /// <summary>Writes a text.</summary>
    /// <param name="path">Where.</param>
    /// <param name="text">What.</param>
    /// <exception cref="IOException">It cannot be written; what was there stays.</exception>
    public static void WriteText(string path, string text)
    {
        using var whole = new WholeFile(path);
        using (var writer = new StreamWriter(whole.Stream))
        {
            writer.Write(text);
        }

        whole.Complete();
    }

    /// <summary>Puts the file into its place.</summary>
    public void Complete()
    {
        Stream.Dispose();
        if (_beside is not null)
        {
            File.Move(_beside, _path, overwrite: true);
        }
    }

    /// <summary>Takes away what did not become whole.</summary>
    public void Dispose()
    {
        try
        {
            Stream.Dispose();
        }
        catch (IOException)
        {
            // Whoever wrote was told; what cannot be written is deleted below.
        }

        if (_beside is not null)
        {
            File.Delete(_beside);
        }
    }
}
