# The things migrate-bot needs on a Hyper-V host that no cmdlet does safely, or not in a restricted session. Constant
# text: every value arrives as a typed parameter. A JEA endpoint shows them as role functions; on an ordinary endpoint the
# bot defines them itself, which is why there is no Export-ModuleMember here.

# The folders, hosts and keys of notes that the functions here take, as patterns; nothing is any. `migrate-bot endpoint`
# fills them in.
$script:MigrateBotFolders = ''
$script:MigrateBotHosts = ''
$script:MigrateBotKeys = ''

function Get-FolderItem {
    # Lists what lies in one folder, hidden items too: names, sizes and times, nothing is opened. A restricted session has no
    # FileSystem provider, so this asks .NET (Microsoft docs: DirectoryInfo.GetFileSystemInfos). Nothing for an empty folder;
    # an error PathNotFound where there is no such folder, or a file.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)]
        [string] $Path
    )

    if ($script:MigrateBotFolders -and $Path -notmatch $script:MigrateBotFolders) {
        Microsoft.PowerShell.Utility\Write-Error -Message "$Path is none of the folders of this endpoint." -ErrorId 'NotAllowed' -Category PermissionDenied -TargetObject $Path
        return
    }
    try {
        [System.IO.DirectoryInfo]::new($Path).GetFileSystemInfos()
    }
    catch {
        $cause = $_.Exception.GetBaseException()
        $id, $category = switch ('{0:X8}' -f $cause.HResult) {
            '80070002' { 'PathNotFound', 'ObjectNotFound' }
            '80070003' { 'PathNotFound', 'ObjectNotFound' }
            '8007010B' { 'PathNotFound', 'ObjectNotFound' }
            '80070005' { 'DirUnauthorizedAccessError', 'PermissionDenied' }
            default { 'DirIOError', 'ReadError' }
        }
        Microsoft.PowerShell.Utility\Write-Error -Message $cause.Message -ErrorId $id -Category $category -TargetObject $Path
    }
}

function Remove-EmptyFolder {
    # Removes one folder if it is empty, in one call that cannot recurse (Microsoft docs: Directory.Delete). Returns
    # {Path, Removed, Reason}; Reason is empty after a removal, else it starts with one English word: NotAllowed,
    # NotFound, NotAFolder, Link, NotEmpty, InUse, AccessDenied or Failed, and goes on in the host's language.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)]
        [string] $Path
    )

    $removed = $false
    $reason = ''
    try {
        $full = $Path.TrimEnd('\')
        # A local folder, at least two levels below its volume, and nothing that .NET would read as another path.
        $isPlain = $full -match '^[A-Za-z]:(\\[^\\/:*?"<>|]+){2,}$'
        if (-not $isPlain -or [System.IO.Path]::GetFullPath($full) -ne $full) {
            $reason = 'NotAllowed: only a local folder two or more levels below its volume is removed.'
        }
        elseif ($script:MigrateBotFolders -and $full -notmatch $script:MigrateBotFolders) {
            $reason = 'NotAllowed: it is in none of the folders of this endpoint.'
        }
        elseif (-not [System.IO.Directory]::Exists($full)) {
            $reason = 'NotFound: there is no such folder.'
            if ([System.IO.File]::Exists($full)) { $reason = 'NotAFolder: it is a file.' }
        }
        else {
            $link = [System.IO.FileAttributes]::ReparsePoint
            $above = [System.IO.Path]::GetDirectoryName($full)
            if ([System.IO.File]::GetAttributes($full) -band $link) {
                $reason = 'Link: it is a link or a mounted volume.'
            }
            elseif ([System.IO.File]::GetAttributes($above) -band $link) {
                $reason = 'NotAllowed: it lies directly below a link or a mounted volume.'
            }
            else {
                [System.IO.Directory]::Delete($full, $false)
                $removed = $true
            }
        }
    }
    catch {
        $cause = $_.Exception.GetBaseException()
        $word = switch ('{0:X8}' -f $cause.HResult) {
            '80070002' { 'NotFound' }
            '80070003' { 'NotFound' }
            '80070005' { 'AccessDenied' }
            '80070020' { 'InUse' }
            '80070091' { 'NotEmpty' }
            default { 'Failed' }
        }
        $reason = '{0}: {1}' -f $word, $cause.Message
    }
    [pscustomobject]@{ Path = $Path; Removed = $removed; Reason = $reason }
}

function Move-VMWithDisks {
    # Moves one VM to another host, its own files into one folder and each disk to a place of its own. Move-VM takes those
    # places in tables, which no role can look into, so a role shows this instead (Microsoft docs: Move-VM -Vhds). Stays until
    # the move has ended, and returns and reports what Move-VM does; NotAllowed: nothing was started.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)]
        [guid] $VMId,

        [Parameter(Mandatory = $true)]
        [string] $DestinationHost,

        [Parameter(Mandatory = $true)]
        [string] $Path,

        [Parameter(Mandatory = $true)]
        [string[]] $SourceFilePath,

        [Parameter(Mandatory = $true)]
        [string[]] $DestinationFilePath
    )

    $drives = '^[A-Za-z]:(\\(?![^\\]*[. ](\\|$))[^\\/:*?"<>|\x00-\x1f]+)+\\?(?!\n)$'
    $folders = $drives
    if ($script:MigrateBotFolders) { $folders = $script:MigrateBotFolders }
    $hosts = '^[A-Za-z0-9.:_-]+(?!\n)$'
    if ($script:MigrateBotHosts) { $hosts = $script:MigrateBotHosts }

    $refused = @($DestinationHost) -notmatch $hosts
    $refused += @($Path) + $DestinationFilePath -notmatch $folders
    $refused += $SourceFilePath -notmatch $drives -notmatch $folders
    if ($refused.Count -gt 0) {
        $first = $refused[0]
        Microsoft.PowerShell.Utility\Write-Error -Message "$first is none of the hosts and folders of this endpoint." -ErrorId 'NotAllowed' -Category PermissionDenied -TargetObject $first
        return
    }
    if ($SourceFilePath.Count -ne $DestinationFilePath.Count) {
        Microsoft.PowerShell.Utility\Write-Error -Message 'Each disk needs a place to go to.' -ErrorId 'NotAllowed' -Category InvalidArgument -TargetObject $VMId
        return
    }
    $disks = @()
    for ($at = 0; $at -lt $SourceFilePath.Count; $at++) {
        $disks += @{ SourceFilePath = $SourceFilePath[$at]; DestinationFilePath = $DestinationFilePath[$at] }
    }
    $where = @{ VirtualMachinePath = $Path; SnapshotFilePath = $Path; SmartPagingFilePath = $Path; Vhds = $disks }
    Hyper-V\Get-VM -Id $VMId | Hyper-V\Move-VM -DestinationHost $DestinationHost @where
}

function Stop-VMMigration {
    # Asks the host to end the running migration of one VM cleanly (Microsoft docs: Msvm_MigrationJob.RequestStateChange),
    # whoever began it: its job has no mark of ours. Does not wait for the end. Returns {VMId, ReturnValue, JobState};
    # ReturnValue 0 is done and 4096 is begun. Without a running migration: an error of the category ObjectNotFound.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)]
        [guid] $VMId
    )

    $failed = $null
    $jobs = @(CimCmdlets\Get-CimInstance -Namespace 'root/virtualization/v2' -ClassName 'Msvm_MigrationJob' -ErrorVariable failed)
    if ($failed) { return }

    $wanted = $VMId.ToString()
    foreach ($job in $jobs) {
        $isRunning = $job.JobState -ge 2 -and $job.JobState -le 6
        if ($isRunning -and "$($job.VirtualSystemName)".Trim('{}') -eq $wanted) {
            # 4: end cleanly, so that the VM goes on running where it is.
            $answer = CimCmdlets\Invoke-CimMethod -InputObject $job -MethodName 'RequestStateChange' -Arguments @{ RequestedState = [uint16] 4 }
            if ($null -ne $answer) {
                # Not [pscustomobject], which constrained language refuses: a migration can be stopped there too.
                Microsoft.PowerShell.Utility\New-Object -TypeName PSObject -Property @{
                    VMId        = $VMId
                    ReturnValue = [uint32] $answer.ReturnValue
                    JobState    = [uint16] $job.JobState
                }
            }
            return
        }
    }
    Microsoft.PowerShell.Utility\Write-Error -Message "No running migration of the virtual machine $wanted was found." -Category ObjectNotFound -ErrorId 'NoMigration' -TargetObject $VMId
}

function Get-VMCompatibility {
    # Describes what VMs need of a host, each in bytes that only Test-VMCompatibility of another host understands. Changes
    # nothing (Microsoft docs: Msvm_VirtualSystemMigrationService.GetSystemCompatibilityInfo). Returns for each, as soon as it
    # is there, {VMId, ReturnValue, CompatibilityInfo, Problem}: ReturnValue 0 is done. Problem says, in the host's language,
    # why there is no answer about this one; ReturnValue is empty then.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)]
        [guid[]] $VMId
    )

    $failed = $null
    $space = 'root/virtualization/v2'
    $service = CimCmdlets\Get-CimInstance -Namespace $space -ClassName 'Msvm_VirtualSystemMigrationService' -ErrorVariable failed
    if ($failed) { return }
    foreach ($id in $VMId) {
        $system = $null
        $answer = @{ VMId = $id; ReturnValue = $null; CompatibilityInfo = $null; Problem = '' }
        try {
            $system = CimCmdlets\Get-CimInstance -Namespace $space -ClassName 'Msvm_ComputerSystem' -Filter "Name='$id'" -ErrorAction Stop
            if ($null -eq $system) {
                $answer.Problem = "There is no virtual machine $id."
            }
            else {
                $said = CimCmdlets\Invoke-CimMethod -InputObject $service -MethodName 'GetSystemCompatibilityInfo' -Arguments @{ ComputerSystem = $system } -ErrorAction Stop
                if ($null -ne $said) {
                    $answer.CompatibilityInfo = [byte[]] $said.CompatibilityInfo
                    $answer.ReturnValue = [uint32] $said.ReturnValue
                }
            }
        }
        catch {
            $answer.Problem = "$_"
        }
        Microsoft.PowerShell.Utility\New-Object -TypeName PSObject -Property $answer
    }
}

function Test-VMCompatibility {
    # Asks this host whether it could run VMs as Get-VMCompatibility of another host described them. Changes nothing, and
    # nobody logs on anywhere (Microsoft docs: Msvm_VirtualSystemMigrationService.CheckSystemCompatibilityInfo). Returns for
    # each, as soon as it is there, {Index, ReturnValue, Reasons, Problem}: Index counts from 0; ReturnValue 0 is compatible,
    # 32784 is not, anything else is no answer. Reasons are CIM-XML, in the host's language. Problem is as above.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)]
        [byte[][]] $CompatibilityInfo
    )

    $failed = $null
    $service = CimCmdlets\Get-CimInstance -Namespace 'root/virtualization/v2' -ClassName 'Msvm_VirtualSystemMigrationService' -ErrorVariable failed
    if ($failed) { return }
    for ($index = 0; $index -lt $CompatibilityInfo.Count; $index++) {
        $answer = @{ Index = $index; ReturnValue = $null; Reasons = $null; Problem = '' }
        try {
            $said = CimCmdlets\Invoke-CimMethod -InputObject $service -MethodName 'CheckSystemCompatibilityInfo' -Arguments @{ CompatibilityInfo = $CompatibilityInfo[$index] } -ErrorAction Stop
            if ($null -ne $said) {
                $answer.Reasons = [string[]] $said.Reasons
                $answer.ReturnValue = [uint32] $said.ReturnValue
            }
        }
        catch {
            $answer.Problem = "$_"
        }
        Microsoft.PowerShell.Utility\New-Object -TypeName PSObject -Property $answer
    }
}

function Test-VMMigration {
    # Lets this host find out whether it could migrate a VM with its storage to another one, and moves nothing: its service
    # logs on to the other's as for a migration (Microsoft docs: Msvm_VirtualSystemMigrationService.
    # CheckVirtualSystemIsMigratable, Msvm_VirtualSystemMigrationSettingData). Returns {VMId, ReturnValue, JobState, Reasons}:
    # ReturnValue 0 is yes; after 4096 a job looked, and JobState 7 is yes, 2 to 6 that it had not ended in time. Without
    # such a VM: an error of the category ObjectNotFound.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)]
        [guid] $VMId,

        [Parameter(Mandatory = $true)]
        [string] $DestinationHost,

        [int] $WaitSeconds = 30
    )

    if ($script:MigrateBotHosts -and $DestinationHost -notmatch $script:MigrateBotHosts) {
        Microsoft.PowerShell.Utility\Write-Error -Message "$DestinationHost is none of the hosts of this endpoint." -ErrorId 'NotAllowed' -Category PermissionDenied -TargetObject $DestinationHost
        return
    }
    $failed = $null
    $space = 'root/virtualization/v2'
    $service = CimCmdlets\Get-CimInstance -Namespace $space -ClassName 'Msvm_VirtualSystemMigrationService' -ErrorVariable failed
    if ($failed) { return }
    $system = CimCmdlets\Get-CimInstance -Namespace $space -ClassName 'Msvm_ComputerSystem' -Filter "Name='$VMId'" -ErrorVariable failed
    if ($failed) { return }
    if ($null -eq $system) {
        Microsoft.PowerShell.Utility\Write-Error -Message "There is no virtual machine $VMId." -Category ObjectNotFound -ErrorId 'NoVM' -TargetObject $VMId
        return
    }
    # An embedded instance: 32771 is a VM with its storage.
    $settings = '<INSTANCE CLASSNAME="Msvm_VirtualSystemMigrationSettingData"><PROPERTY NAME="MigrationType" TYPE="uint16"><VALUE>32771</VALUE></PROPERTY></INSTANCE>'
    $answer = CimCmdlets\Invoke-CimMethod -InputObject $service -MethodName 'CheckVirtualSystemIsMigratable' -Arguments @{
        ComputerSystem       = $system
        DestinationHost      = $DestinationHost
        MigrationSettingData = $settings
    }
    if ($null -eq $answer) { return }
    $state = 0
    $reasons = @()
    if ($answer.ReturnValue -eq 4096) {
        for ($waited = 0; $waited -le $WaitSeconds; $waited++) {
            $job = CimCmdlets\Get-CimInstance -InputObject $answer.Job -ErrorVariable failed
            if ($failed) { return }
            $state = $job.JobState
            $reasons = @($job.ErrorSummaryDescription, $job.ErrorDescription)
            if ($state -lt 2 -or $state -gt 6) { break }
            Microsoft.PowerShell.Utility\Start-Sleep -Seconds 1
        }
    }
    Microsoft.PowerShell.Utility\New-Object -TypeName PSObject -Property @{
        VMId        = $VMId
        ReturnValue = [uint32] $answer.ReturnValue
        JobState    = [uint16] $state
        Reasons     = [string[]] $reasons
    }
}

function Get-VMNote {
    # Returns what stands in the notes of this host's VMs behind one key and a colon, such as `owner: name@example.com`, and
    # nothing else of them: notes can be long, and may hold what is nobody's business (Microsoft docs: Set-VM -Notes). For
    # each such line {VMId, Value}: of a VM four at the most, of each 256 characters.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)]
        [string] $Key
    )

    if ($script:MigrateBotKeys -and $Key -notmatch $script:MigrateBotKeys) {
        Microsoft.PowerShell.Utility\Write-Error -Message "$Key is none of the keys of this endpoint." -ErrorId 'NotAllowed' -Category PermissionDenied -TargetObject $Key
        return
    }
    foreach ($vm in Hyper-V\Get-VM) {
        $found = 0
        foreach ($line in "$($vm.Notes)" -split "`r`n|`n|`r") {
            $at = $line.IndexOf(':')
            if ($at -gt 0 -and $line.Substring(0, $at).Trim() -eq $Key -and $found -lt 4) {
                $value = $line.Substring($at + 1).Trim()
                if ($value.Length -gt 256) { $value = $value.Substring(0, 256) }
                Microsoft.PowerShell.Utility\New-Object -TypeName PSObject -Property @{ VMId = $vm.Id; Value = $value }
                $found++
            }
        }
    }
}
